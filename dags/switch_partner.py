from bridge.airflow import switch_dag

dag = switch_dag()
