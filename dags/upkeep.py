from bridge.airflow import upkeep_dag

dag = upkeep_dag()
