"""Turns a list of models into a folder to host: tarballs, pages, provenance and signatures."""
