# Two targets: `cpu` (OpenVINO) and `cuda` (torch and ultralytics). Packages come locked by hash, as in the Makefile.
FROM python:3.11-slim-bookworm AS python
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

FROM python AS locked-cpu
COPY requirements/uv.txt requirements/core.txt /requirements/
RUN python -m venv /uv \
    && /uv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /requirements/uv.txt
# Compiled here, because the containers' file systems are read-only.
ENV UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1 UV_LINK_MODE=copy
RUN /uv/bin/uv venv --python /usr/local/bin/python /opt/thumper \
    && /uv/bin/uv pip install --python /opt/thumper --require-hashes -r /requirements/core.txt

# One lock file holds the extras `torch` and `dev`, so this target also has the tools of the tests.
FROM locked-cpu AS locked-cuda
COPY requirements/torch.txt /requirements/
RUN /uv/bin/uv pip install --python /opt/thumper --require-hashes -r /requirements/torch.txt

FROM locked-cpu AS built-cpu
COPY . /app
RUN /uv/bin/uv pip install --python /opt/thumper --no-deps -e /app

FROM locked-cuda AS built-cuda
COPY . /app
RUN /uv/bin/uv pip install --python /opt/thumper --no-deps -e /app

FROM python AS runtime
# The folders of store and uploads are made here, so that new volumes mounted on them belong to this user.
RUN groupadd --gid 10001 thumper \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin thumper \
    && install -d -o 10001 -g 10001 -m 0700 /store /spool
ENV PATH=/opt/thumper/bin:$PATH \
    THUMPER_DATA_DIR=/run/thumper \
    THUMPER_STORE=file:///store \
    YOLO_CONFIG_DIR=/tmp/ultralytics
WORKDIR /app
ENTRYPOINT ["thumper"]
CMD ["--help"]
# A worker writes its mark when it has joined its group; docker-compose.yml asks the API over HTTP instead.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["sh", "-c", "test -n \"$(find \"$THUMPER_DATA_DIR/run\" -name '*.ready' -print -quit)\""]

FROM runtime AS cpu
COPY --from=built-cpu /opt/thumper /opt/thumper
COPY --from=built-cpu /app /app
USER 10001:10001

FROM runtime AS cuda
# OpenCV, which ultralytics imports, is linked against these.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=built-cuda /opt/thumper /opt/thumper
COPY --from=built-cuda /app /app
USER 10001:10001
