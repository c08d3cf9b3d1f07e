from bridge.airflow import release_dag

dag = release_dag()
