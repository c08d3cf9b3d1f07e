"""The bridge in Apache Airflow: one DAG for each source and partner. The only package that imports airflow.

from bridge.airflow import collect_dag

dag = collect_dag("cen")
"""

from bridge.airflow.collect import collect_dag
from bridge.airflow.releasing import release_dag
from bridge.airflow.share import share_dag
from bridge.airflow.upkeep import switch_dag, upkeep_dag

__all__ = ["collect_dag", "release_dag", "share_dag", "switch_dag", "upkeep_dag"]
