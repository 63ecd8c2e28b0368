"""What runs the plans: Ibis expressions in, frames out, on DuckDB. Words of its dialect that plans need are here."""
