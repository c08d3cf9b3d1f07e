-- Airflow's own tables lie in a database beside the exchange. Run once, when the server is made.
CREATE DATABASE airflow;
