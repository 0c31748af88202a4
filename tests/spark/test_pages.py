"""How far a job is, from the pages of a real Spark that runs one."""

import os
import signal
import subprocess
import sys
import time

from tools.fleet import sparkpages
from tools.machine.postgres import free_port

# Two tasks, of which one takes its time.
JOB = """
import sys
from pyspark.sql import SparkSession
spark = (SparkSession.builder.master("local[2]").config("spark.ui.port", sys.argv[1])
         .config("spark.driver.bindAddress", "127.0.0.1").getOrCreate())
print("ready", flush=True)
spark.sparkContext.parallelize(range(2), 2).foreach(lambda n: n and __import__("time").sleep(60))
"""
DEADLINE_SECONDS = 60


def test_the_tasks_of_the_stage_under_way_are_counted() -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    assert sparkpages.progress(address) == "", "Spark is not there yet"
    job = subprocess.Popen(
        [sys.executable, "-c", JOB, str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    try:
        assert job.stdout
        assert job.stdout.readline() == "ready\n"
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (told := sparkpages.progress(address)) != "stage 0: 1 of 2 tasks":
            assert time.monotonic() < deadline, told
            time.sleep(0.2)
    finally:
        os.killpg(job.pid, signal.SIGKILL)
        job.communicate()
