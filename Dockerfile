# The container images of the service. Each image is a build target:
#
#   docker build -t news .                                  gunicorn with every module
#   docker build -t news-lambda --target lambda .           a Lambda function with one module; --build-arg MODULE=news
#   docker build -t news-tools --target tools .             the setup tasks of compose.yaml
#
# Packages are installed from wheels that are pinned by hash. The images contain no compiler and no pip.
#
# Base images are referenced by tag, so that a rebuild includes the latest security fixes of the operating system. To pin
# a base image, add its digest (python:3.14-slim@sha256:...) here and in compose.yaml, and let Dependabot update it
# (package-ecosystem: docker in dependabot.yml):
#
#   docker buildx imagetools inspect --format '{{.Manifest.Digest}}' python:3.14-slim

# --- installed packages and our sources, both compiled, because containers run read-only
FROM python:3.14-slim AS packages
COPY requirements/serve.txt /requirements.txt
RUN python -m venv --without-pip /venv \
 && python -m pip --python /venv/bin/python install --quiet --root-user-action ignore --disable-pip-version-check \
    --no-cache-dir --no-compile --only-binary :all: --require-hashes -r /requirements.txt \
 && cd /venv/lib/python3.14/site-packages \
 && find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name dynamodb ! -name "ss*" ! -name sts -exec rm -r {} + \
 && python -m compileall -q --invalidation-mode unchecked-hash .

FROM python:3.14-slim AS sources
COPY . /src
WORKDIR /src
# Each folder with a controller.py is a module.
RUN mkdir /app \
 && cp -r entrypoint.sh openapi.json functions shared $(dirname */controller.py) /app \
 && python -m compileall -q --invalidation-mode unchecked-hash /app

# --- the Lambda function, with the same files as the zip of `make package`
FROM python:3.14-slim AS artifact
ARG MODULE=news OPTIONS=""
COPY . /src
WORKDIR /src
RUN python -m tools.package.builder "$MODULE" --arch "$(uname -m | sed s/aarch64/arm64/)" $OPTIONS --into /artifact
# The entry point has one name in the image of every module, because CMD cannot contain MODULE.
RUN echo "from functions.$MODULE import handler" > /artifact/entry.py

FROM amazon/aws-lambda-python:3.14 AS lambda
COPY --from=artifact /artifact /var/task
CMD ["entry.handler"]

# --- the base of the gunicorn and tools images
FROM python:3.14-slim AS base
RUN python -m pip uninstall --quiet --yes --root-user-action ignore pip \
 && rm -rf /usr/local/lib/python3.14/ensurepip
COPY --from=packages /venv /venv
COPY --from=sources /app /app
WORKDIR /app
ENV PYTHON=/venv/bin/python PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# A user without a name, a home directory or files.
USER 10001:10001

# --- creates the tables and a signing key for tokens; for development only
FROM base AS tools
USER root
RUN install -d -o 10001 -g 10001 /local
USER 10001:10001
COPY tools /app/tools
ENV LOCAL=/local
ENTRYPOINT ["/venv/bin/python", "-m"]
CMD ["tools.local.compose_setup"]

# --- the service
FROM base AS gunicorn
ENV BIND=0.0.0.0:8000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD "$PYTHON" -m shared.gunicorn.health_probe "$BIND"
ENTRYPOINT ["/app/entrypoint.sh"]
