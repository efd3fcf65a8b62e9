# The lab in a container, on machines with and without a GPU; docs/remote.md says how it is started and who may come in.
FROM debian:bookworm-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

# Nobody trains as root. The runs are a volume; a new one is its owner's, as this folder is.
RUN useradd --uid 1000 --create-home lab \
    && install --directory --owner=lab --group=lab /runs /datasets

# Checked by hash, as everywhere. torch brings CUDA along: about 7 GB, and a machine without a GPU uses the rest of it.
COPY requirements.lock requirements.txt LICENSE /lab/
RUN python3 -m venv /venv \
    && /venv/bin/pip install --disable-pip-version-check --no-cache-dir --require-hashes -r /lab/requirements.lock
ENV PATH=/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

WORKDIR /lab
COPY app.py /lab/
COPY .streamlit/config.toml /lab/.streamlit/
COPY core /lab/core/
COPY pages /lab/pages/
COPY bench /lab/bench/
RUN python -m compileall -q app.py core pages bench
# What Settings offers to read.
COPY README.md CHANGELOG.md CONTRIBUTING.md /lab/
COPY docs /lab/docs/

# In a container all addresses are the container's own: without a door (lab.toml), or word that its port is published to
# one machine alone (FACET_DOOR_PUBLISHED), the lab does not start. lab.toml and the secrets of a login lie beside the
# runs. FACET_MACHINE: a container made anew goes on as the same machine, with its queue and settings.
ENV STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=8501 \
    STREAMLIT_SECRETS_FILES=/runs/secrets.toml \
    FACET_RUNS=/runs \
    FACET_DEMO=/runs/.lab/demo \
    FACET_MACHINE=container \
    TORCH_HOME=/runs/.lab/torch \
    NO_ALBUMENTATIONS_UPDATE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONUNBUFFERED=1

USER lab
VOLUME ["/runs", "/datasets"]
EXPOSE 8501

# What asks here has no identity: a lab that is well says that its door is shut.
HEALTHCHECK --start-period=2m CMD ["python", "-c", "import http.client, os, sys; \
    lab = http.client.HTTPConnection('127.0.0.1', int(os.environ['STREAMLIT_SERVER_PORT']), timeout=20); \
    lab.request('GET', '/'); sys.exit(lab.getresponse().headers['X-Facet-Door'] != 'shut')"]
CMD ["streamlit", "run", "app.py"]
