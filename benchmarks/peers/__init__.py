"""Compares the exported artifacts with every engine a user would pick instead.

python -m benchmarks.peers

The way of data through it: `environments` makes a virtual environment per engine, `artifacts` fills
`build/benchmark/artifacts/` with what the engines load, `rounds` asks one process per engine
(`worker`, `workers/`) for one measurement after the other, and `results` and `plot` show them.
"""
