#!/bin/sh
# Run once by the image of PostgreSQL, when it makes the database: the roles of those who do not own the tables.
# `thumper grant` gives them their rights when the tables are there.
set -eu
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv sink_password SINK_DB_PASSWORD
\getenv api_password API_DB_PASSWORD
CREATE ROLE thumper_sink LOGIN PASSWORD :'sink_password';
CREATE ROLE thumper_api LOGIN PASSWORD :'api_password';
SQL
