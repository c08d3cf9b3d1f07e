from bridge.airflow import collect_dag

dag = collect_dag("cen_upload")
