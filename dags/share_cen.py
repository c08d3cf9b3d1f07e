from bridge.airflow import share_dag

dag = share_dag("cen")
