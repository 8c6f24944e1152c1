# syntax=docker/dockerfile:1
# costwatch in one image: `docker run -p 127.0.0.1:8000:8000 IMAGE` is `make run`; docker-compose.yml runs its parts apart.
# The base is pinned by its exact tag. Where you build, pin its digest too: docker buildx imagetools inspect TAG.

FROM python:3.11.14-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1 UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy \
    UV_PROJECT_ENVIRONMENT=/app/.venv
WORKDIR /app
COPY .ci/uv.txt .ci/uv.txt
RUN python -m venv /uv && /uv/bin/pip install --quiet --no-cache-dir --require-hashes -r .ci/uv.txt
COPY pyproject.toml uv.lock ./
RUN /uv/bin/uv sync --frozen --no-dev --no-cache --compile-bytecode
COPY manage.py ./
COPY pricing pricing
COPY costwatch costwatch
COPY templates templates
COPY static static
# The files are collected under names that carry their digests, each with its compressed form beside it.
RUN COSTWATCH_DATA_DIR=/tmp/data .venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
 && .venv/bin/python -m compileall -q -j 0 manage.py pricing costwatch

# pg_dump and pg_restore of the version that docker-compose.yml runs, with the libraries they need and Python does not.
FROM postgres:17-bookworm AS postgres
RUN mkdir -p /client/17/bin /client/17/lib && cd /usr/lib/postgresql/17/bin && cp pg_dump pg_restore /client/17/lib/ \
 && ldd pg_dump pg_restore | awk '$2 == "=>" && $3 ~ "^/" {print $3}' | sort -u \
  | grep -Ev '/lib(c|m|dl|rt|pthread|resolv)\.so' | xargs -I{} cp -L {} /client/17/lib/ \
 && for name in pg_dump pg_restore; do printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s/%s "$@"\n' \
      /usr/lib/postgresql/17/lib /usr/lib/postgresql/17/lib $name > /client/17/bin/$name; done \
 && chmod 755 /client/17/bin/*

FROM python:3.11.14-slim-bookworm
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    COSTWATCH_DATA_DIR=/data COSTWATCH_BIND=0.0.0.0 PORT=8000 HOME=/tmp REMAP_SIGTERM=SIGQUIT
# Nothing installs anything in here. Any user may run it: /app belongs to root and is only read; /data is for group 0,
# which is the group of a user that is given by number alone.
RUN rm -rf /usr/local/lib/python3.11/site-packages/pip* /usr/local/lib/python3.11/site-packages/setuptools* \
      /usr/local/lib/python3.11/site-packages/wheel* /usr/local/lib/python3.11/ensurepip /usr/local/bin/pip* \
 && mkdir /data && chgrp 0 /data && chmod 2770 /data
COPY --from=build /app /app
COPY --from=postgres /client /usr/lib/postgresql
WORKDIR /app
USER 10001:0
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=15s --start-period=60s --retries=3 CMD ["python", "manage.py", "alive", "web"]
CMD ["python", "manage.py", "up"]
