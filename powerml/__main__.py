"""`python -m powerml`."""

from powerml.cli import main

if __name__ == "__main__":
    main()
