"""Compares the exported artifacts with the engines that users might run instead.

    python -m benchmarks.peers

`environments` makes a virtual environment per engine, `artifacts` writes the models that the
engines load, `rounds` asks one process per engine (`worker`, `workers/`) for one measurement at a
time, and `results_page` and `workers.plot` show the results.
"""
