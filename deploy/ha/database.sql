-- Once, on the primary, as postgres: psql --set password=… --file database.sql
CREATE ROLE attendance LOGIN PASSWORD :'password';
-- What attendance sets for a session of its own; behind pgbouncer sessions are shared.
ALTER ROLE attendance SET timezone = 'UTC';
ALTER ROLE attendance SET statement_timeout = '30s';
ALTER ROLE attendance SET lock_timeout = '10s';
ALTER ROLE attendance SET idle_in_transaction_session_timeout = '60s';
CREATE DATABASE attendance OWNER attendance;
