#!/usr/bin/env bash
# /start.sh of the image: what a pod of RunPod begins with, at each start. Arguments are a command to
# run in the source tree once everything is there: /start.sh ./dtbench study seed ...
set -euo pipefail

say() { printf 'pod: %s\n' "$*"; }

# The account's public keys come in PUBLIC_KEY.
start_sshd() {
  if [[ ! ${PUBLIC_KEY-} ]]; then
    say "PUBLIC_KEY is not set: no sshd"
    return
  fi
  install -d -m 700 ~/.ssh
  (
    umask 077
    printf '%s\n' "$PUBLIC_KEY" >~/.ssh/authorized_keys
    # sshd starts sessions without the container's variables.
    printenv | grep -E '^(RUNPOD|DTBENCH|HF|CUDA|NVIDIA|OMP)_[A-Z0-9_]*=' >~/.ssh/environment || true
  )
  ssh-keygen -A >/dev/null
  mkdir -p /run/sshd
  /usr/sbin/sshd
  say "sshd runs; host key: $(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)"
}

# The clone, with its build, lasts in the volume. One that is there is left alone.
put_source() {
  mkdir -p "$DTBENCH_CACHE" "$HF_HOME"
  if [[ ! -e /workspace/dtbench ]]; then
    rm -rf /workspace/.dtbench.new
    cp -a /opt/dtbench /workspace/.dtbench.new
    mv /workspace/.dtbench.new /workspace/dtbench
    say "the source is in /workspace/dtbench"
  fi
}

# The platform's SIGTERM goes on to what runs.
child=
stop() {
  if [[ $child ]] && kill -TERM "$child" 2>/dev/null; then wait "$child" || true; fi
  exit 0
}
trap stop TERM INT

start_sshd
put_source
cd /workspace/dtbench

# The pod stays when the command has ended, however it did, until something stops it.
if (($#)); then
  "$@" &
  child=$!
  code=0
  wait "$child" || code=$?
  say "'$1' ended with exit code $code"
fi
sleep infinity &
child=$!
wait "$child"
