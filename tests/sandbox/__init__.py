"""Tests of the local AWS, through unmodified boto3 and the AWS CLI."""
