"""Benchmarks. They produce every published figure.

report.py            `make benchmark-report`: runs the six benchmarks of the report and writes it
cold_start.py        CPU time of a process that imports the function and returns one cached response
warm_get.py          a cached GET through the Lambda handler
gunicorn_load.py     cached requests per second under gunicorn
list_of_20.py        the first page from DynamoDB
memory.py            resident memory of a warm process
table_growth.py      the first page of tables with up to a million items

cache_race.py        stale reads with concurrent readers and a writer
cache_stampede.py    loads when an entry expires under load
cache_faults.py      latency and errors while Redis fails
request_phases.py    where the time of a cached request goes; phase_profiler.py is the measured process
lambda_adapter.py    overhead of the adapter around serverless-wsgi
logging_cost.py      overhead of the request log
gunicorn_workers.py  gunicorn's worker types
preload.py           startup and first request with and without PRELOAD
feed_shards.py       simulates throttled writes by FEED_SHARDS
pypy.py              another Python interpreter
locustfile.py        `make load`: simulated users

harness.py           measured processes, a warm cache, rows of the report
report_chart.py      the report as an SVG chart
phase_chart.py       the phases of a request as an SVG chart
cache_harness.py     apps, servers and a shared database for the cache benchmarks
news_tables.py       tables with any number of items
artifacts.py         packaged functions of this service and its peers
invoke_artifact.py   a process that invokes a packaged handler
invoke_handler.py    a process that measures a handler
dao_first_page.py    the DAO's first page as a handler
event.py             the event of every request
peers/               other implementations to compare with
"""
