"""The same notebook under Apache Airflow: a task for each account, with PapermillOperator.

Airflow and apache-airflow-providers-papermill come with your Airflow, not with this kit. Its workers
need the kit, the notebook and AWS credentials; parameters hold none of these.
"""

from datetime import datetime

from airflow import DAG
from airflow.providers.papermill.operators.papermill import PapermillOperator

ACCOUNTS = ["012345678901", "123456789012"]
FOLDER = "/srv/evidence"

with DAG("appstream_evidence", schedule="@quarterly", start_date=datetime(2026, 1, 1)):
    for account in ACCOUNTS:
        PapermillOperator(
            task_id=f"account_{account}",
            input_nb=f"{FOLDER}/notebooks/evidence_pack.ipynb",
            output_nb=f"{FOLDER}/outputs/{account}-{{{{ ds }}}}.ipynb",
            parameters={
                "account": account,
                "role_arn": f"arn:aws:iam::{account}:role/EvidenceReader",
                "external_id": "evidence-2026",
                "regions": ["eu-central-1", "eu-west-1"],
                "outputs": f"{FOLDER}/outputs",
            },
        )
