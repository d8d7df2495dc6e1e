"""Runs the cases of dl-core/testdata/conformance. That folder's README says what they mean.

`values`, `matching`, `audit` and `runner` know the language of the cases; `world` has drivers and processes; `agent` is
what runs in a process of a case, with the calls of `calls` on either face.
"""
