"""The Spark job: EPA's files in, both zones' databases out."""
