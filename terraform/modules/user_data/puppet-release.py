#!/usr/bin/python3
"""Brings a release's Puppet code from the bucket to the master, and says which is served.

    puppet-release --bucket BUCKET                     brings and serves the fleet's current one
    puppet-release --bucket BUCKET --fetch VERSION     brings it, beside what is served
    puppet-release --bucket BUCKET --serve VERSION     serves it from now on

Each release is an environment of its own, release_VERSION; `production`, which agents get that ask
for no other, is a link to one of them: it is changed in one step. The newest few stay.
The server remembers environments, and is made to forget them when the link changes.
"""

import argparse
import configparser
import http.client
import os
import shutil
import ssl
import sys
import tarfile
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

ENVIRONMENTS = Path("/etc/puppet/code/environments")
SERVED = ENVIRONMENTS / "production"
CONFIGURATION = Path("/etc/puppet/puppet.conf")
PORT = 8140
KEPT = 5


class Bucket:
    """The bucket with the releases."""

    def __init__(self, name):
        # This boto3 may be older than its own reading of AWS_ENDPOINT_URL.
        self.s3 = boto3.client("s3", endpoint_url=os.environ.get("AWS_ENDPOINT_URL"))
        self.name = name

    def open(self, key):
        try:
            return self.s3.get_object(Bucket=self.name, Key=key)["Body"]
        except (BotoCoreError, ClientError) as error:
            sys.exit(f"puppet-release: no s3://{self.name}/{key}: {error}. `fab deploy` writes it.")


def folder_of(version):
    return ENVIRONMENTS / f"release_{version}"


def fetch(bucket, version):
    """Bring the release, whole or not at all."""
    folder = folder_of(version)
    if folder.exists():
        return
    unfinished = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    with tarfile.open(fileobj=bucket.open(f"releases/{version}/puppet.tar.gz"), mode="r|gz") as tar:
        tar.extractall(unfinished)
    unfinished.rename(folder)


def serve(version):
    """Have the link name the release; a folder that stands in its place was never served."""
    if SERVED.is_dir() and not SERVED.is_symlink():
        shutil.rmtree(SERVED)
    link = SERVED.with_name("production.new")
    link.unlink(missing_ok=True)
    link.symlink_to(folder_of(version).name)
    link.rename(SERVED)
    forget()


def forget():
    """Clear the server's cache of environments. A server that is not up yet has read none."""
    configuration = configparser.ConfigParser()
    configuration.read(CONFIGURATION)
    name, keys = configuration["main"]["certname"], Path(configuration["main"]["ssldir"])
    if not (keys / "certs" / f"{name}.pem").exists():
        return
    context = ssl.create_default_context(cafile=keys / "certs" / "ca.pem")
    context.load_cert_chain(keys / "certs" / f"{name}.pem", keys / "private_keys" / f"{name}.pem")
    server = http.client.HTTPSConnection(name, PORT, context=context, timeout=60)
    try:
        server.request("DELETE", "/puppet-admin-api/v1/environment-cache")
    except ConnectionRefusedError:
        return
    except OSError as error:
        sys.exit(f"puppet-release: {name}:{PORT} does not clear its cache: {error}")
    answer = server.getresponse()
    if answer.status != http.client.NO_CONTENT:
        text = answer.read().decode(errors="replace")
        sys.exit(f"puppet-release: {name}:{PORT} does not clear its cache: {answer.status} {text}")


def remove_old():
    releases = sorted(ENVIRONMENTS.glob("release_*"), key=os.path.getmtime, reverse=True)
    for folder in releases[KEPT:]:
        if folder != SERVED.resolve():
            shutil.rmtree(folder)


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--bucket", required=True)
parser.add_argument("--fetch", metavar="VERSION")
parser.add_argument("--serve", metavar="VERSION")
asked = parser.parse_args()
bucket = Bucket(asked.bucket)
if asked.fetch:
    fetch(bucket, asked.fetch)
elif asked.serve:
    serve(asked.serve)
    remove_old()
else:
    version = bucket.open("releases/current").read().decode().strip()
    fetch(bucket, version)
    serve(version)
