"""The servers that a team's runs are kept by: an S3 server, and MLflow's in front of it.

Both are processes of their own, on this machine alone: no library of theirs is imported here.
"""
