#!/bin/sh
# What our processes inherit from the user's shell: the one list of it.
#
#   tools/machine/environ.sh COMMAND ...   run the command with nothing else
#   . tools/machine/environ.sh             drop everything else from this shell
#
# A variable that is not listed is dropped: it could redirect, slow down or break what we start
# (PGHOSTADDR, PYTHONPATH, SPARK_HOME, PIP_USER, JAVA_TOOL_OPTIONS, LD_PRELOAD, BASH_ENV ...).
# To let one through, add it here.

airaware_is_listed() {
    case $1 in
    AIRAWARE_* | PYTHON | YEAR | MAKEFLAGS | MAKELEVEL) ;; # ours
    PATH | PWD | HOME | USER | LOGNAME | SHELL | TERM | COLORTERM | COLUMNS | LINES | NO_COLOR) ;;
    TZ | TMPDIR | XDG_CACHE_HOME | XDG_RUNTIME_DIR | DEBIAN_FRONTEND | SUDO_*) ;;
    SSH_AUTH_SOCK | SSH_CONNECTION | SSH_TTY) ;;
    PYTHONUNBUFFERED) ;;
    JAVA_HOME) ;; # a hint: used if it is new enough
    # The way to the Internet: proxies, certificates, mirrors and their caches.
    http_proxy | https_proxy | ftp_proxy | all_proxy | no_proxy) ;;
    HTTP_PROXY | HTTPS_PROXY | FTP_PROXY | ALL_PROXY | NO_PROXY) ;;
    SSL_CERT_FILE | SSL_CERT_DIR | REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE | NODE_EXTRA_CA_CERTS) ;;
    PIP_INDEX_URL | PIP_EXTRA_INDEX_URL | PIP_FIND_LINKS | PIP_TRUSTED_HOST | PIP_CERT) ;;
    PIP_CLIENT_CERT | PIP_PROXY | PIP_CACHE_DIR | PIP_CONFIG_FILE | PIP_KEYRING_PROVIDER) ;;
    PIP_NO_INDEX | PIP_DEFAULT_TIMEOUT | PIP_TIMEOUT | PIP_RETRIES) ;;
    UV_INDEX_URL | UV_EXTRA_INDEX_URL | UV_DEFAULT_INDEX | UV_INDEX | UV_INDEX_*) ;;
    UV_FIND_LINKS | UV_CACHE_DIR | UV_NATIVE_TLS | UV_SYSTEM_CERTS | UV_INSECURE_HOST) ;;
    UV_HTTP_TIMEOUT | UV_KEYRING_PROVIDER | UV_CONFIG_FILE | UV_OFFLINE) ;;
    npm_config_registry | npm_config_proxy | npm_config_https_proxy | npm_config_noproxy) ;;
    npm_config_cafile | npm_config_cache | npm_config_userconfig | npm_config_strict_ssl) ;;
    NPM_CONFIG_REGISTRY | NPM_CONFIG_PROXY | NPM_CONFIG_HTTPS_PROXY | NPM_CONFIG_NOPROXY) ;;
    NPM_CONFIG_CAFILE | NPM_CONFIG_CACHE | NPM_CONFIG_USERCONFIG | NPM_CONFIG_STRICT_SSL) ;;
    # What an operator's fleets on AWS need.
    AWS_* | TF_CLI_CONFIG_FILE | TF_PLUGIN_CACHE_DIR | TF_LOG | TF_LOG_PATH | TF_TOKEN_*) ;;
    PACKER_PLUGIN_PATH | PACKER_LOG | PACKER_LOG_PATH | PACKER_GITHUB_API_TOKEN) ;;
    *) return 1 ;;
    esac
}

# The system's programs, behind those of the user's choice; an ordinary account's PATH lacks sbin.
for airaware_name in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
    case ":${PATH:-}:" in
    *":$airaware_name:"*) ;;
    *) PATH=${PATH:+$PATH:}$airaware_name ;;
    esac
done
export PATH

# A value of several lines can make this name what is no variable; unsetting that is harmless.
for airaware_name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
    airaware_is_listed "$airaware_name" || unset "$airaware_name" 2>/dev/null || :
done

# Ours, whatever the user's are: programs' words and sort orders, and files that others may read
# (a secret is made with its own mode).
export LC_ALL=C.UTF-8
umask 022

# Files of the user's home that are not meant for us, and may be broken: Python modules, logins that
# requests would send to any host, colours of plots.
export PYTHONNOUSERSITE=1 NETRC=/dev/null MATPLOTLIBRC=/dev/null

export HOME="${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}"
# A relative folder would be another one for each program.
case ${TMPDIR:-} in /*) [ -d "$TMPDIR" ] && [ -w "$TMPDIR" ] || unset TMPDIR ;; *) unset TMPDIR ;; esac
case ${XDG_CACHE_HOME:-} in /*) ;; *) unset XDG_CACHE_HOME ;; esac

# Programs of ours talk to each other on this machine, never through a proxy.
no_proxy=${no_proxy:-${NO_PROXY:-}}
for airaware_name in 127.0.0.1 localhost ::1; do
    case ",$no_proxy," in
    *",$airaware_name,"* | ,\*,) ;;
    *) no_proxy=${no_proxy:+$no_proxy,}$airaware_name ;;
    esac
done
NO_PROXY=$no_proxy
export no_proxy NO_PROXY
unset airaware_name

case $0 in */environ.sh) exec "$@" ;; esac
