"""What runs the plans: Ibis expressions in, rows out. Each dialect and its ways are in a module of their own."""
