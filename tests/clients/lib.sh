# What the suites written in bash share: a server of their own, and plain ways to check. Sourced by `<suite>/run`.
#
# Every suite starts the built binary on a free port of the loopback with an empty data directory, and takes both away
# when it ends, however it ends. Nothing is skipped: a tool that is not there fails the suite in one sentence.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SUITE=$(basename "$(cd "$(dirname "$0")" && pwd)")
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
NAUTILUS_BIN=${NAUTILUS_BIN:-$TARGET/release/nautilus}
mkdir -p "$TARGET/clients"
WORK=$(mktemp -d "$TARGET/clients/$SUITE.XXXXXX") # in target/, so that it is on a real file system
SERVER_PID=

export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export AWS_EC2_METADATA_DISABLED=true AWS_PAGER="" AWS_CLI_AUTO_PROMPT=off AWS_MAX_ATTEMPTS=1
export AWS_CONFIG_FILE=$WORK/no-config AWS_SHARED_CREDENTIALS_FILE=$WORK/no-credentials
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL_KINESIS

fail() {
    echo "FAILED $SUITE: $*" >&2
    if [[ -s $WORK/server.log ]]; then
        echo "--- the server's last words" >&2
        tail -n 30 "$WORK/server.log" >&2
    fi
    exit 1
}

need() {
    local tool
    for tool; do command -v "$tool" >/dev/null || fail "\`$tool\` is needed and is not on the PATH"; done
}

# equal WHAT GOT WANTED
equal() { [[ $2 == "$3" ]] || fail "$1: got '$2', wanted '$3'"; }
# contains WHAT TEXT PART
contains() { [[ $2 == *"$3"* ]] || fail "$1: no '$3' in: $2"; }
say() { echo "  $SUITE: $*"; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start_server [FLAG...]: sets SERVER_PID, PORT and AWS_ENDPOINT_URL. DATA_DIR may be set before, for a restart.
# SERVER_WRAPPER, an array, goes before the binary (strace).
start_server() {
    PORT=$(free_port)
    export AWS_ENDPOINT_URL=http://127.0.0.1:$PORT
    DATA_DIR=${DATA_DIR:-$WORK/data}
    "${SERVER_WRAPPER[@]}" "$NAUTILUS_BIN" serve --dev --listen "127.0.0.1:$PORT" --data-dir "$DATA_DIR" "$@" \
        </dev/null >>"$WORK/server.log" 2>&1 &
    SERVER_PID=$!
    local tries
    for tries in $(seq 1000); do
        kill -0 "$SERVER_PID" 2>/dev/null || fail "the server ended before it was ready"
        curl --silent --fail --output /dev/null "$AWS_ENDPOINT_URL/readyz" && return
        sleep 0.02
    done
    fail "the server is not ready after 20 s"
}
SERVER_WRAPPER=()

stop_server() {
    kill -TERM "$SERVER_PID"
    local code=0
    wait "$SERVER_PID" || code=$?
    SERVER_PID=
    equal "exit code after SIGTERM" "$code" 0
}

cleanup() {
    local code=$?
    if [[ -n $SERVER_PID ]]; then
        pkill -KILL -P "$SERVER_PID" || true # under strace the server is its child
        kill -KILL "$SERVER_PID" 2>/dev/null || true
    fi
    wait 2>/dev/null || true
    # What failed can be looked at: its directory stays.
    if [[ $code == 0 ]]; then rm -rf "$WORK"; else echo "  $SUITE: what it left is in $WORK" >&2; fi
}
trap cleanup EXIT

[[ -x $NAUTILUS_BIN ]] || fail "no $NAUTILUS_BIN: run \`cargo build --release\` or set NAUTILUS_BIN"
need curl python3
