"""The service: searches, expansions and enrichment over HTTP. Only this package imports an HTTP library.

The engine is handed in, so this package knows no search engine. `operations.py` lists the endpoints. A
request is decoded by `reading.py` into a struct of `requests.py`, answered by a function of `service.py` in a
thread of `pool.py`, and sent by `application.py`; `openapi.py` describes all of it from the same structs.
"""
