# Sourced by test.sh and demo.sh: gets a Debian or Ubuntu machine ready to run the laboratory.
#
# What stays afterwards: Debian packages that were missing, and .venv. What does not: no service that
# came with such a package is left running or enabled.

# Each program that the laboratory runs, and the Debian package that brings it.
programs="
ip            iproute2
nsenter       util-linux
setpriv       util-linux
script        bsdutils
ssh           openssh-client
sshd          openssh-server
knockd        knockd
nft           nftables
nmap          nmap
rsync         rsync
systemctl     systemd
fail2ban-regex  fail2ban
git           git
mandoc        mandoc
sshfs         sshfs
strace        strace
tcc           tcc
tmux          tmux
dbus-run-session      dbus
dieharder     dieharder
ent           ent
gnome-keyring-daemon  gnome-keyring
"

say() { printf '\n== %s\n' "$*"; }

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Debian packages that are needed and not there, one a line.
missing_packages() {
    local program package
    while read -r program package; do
        [ -z "$program" ] || PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || echo "$package"
    done <<<"$programs" | sort -u
    [ -x /usr/bin/python3 ] || echo python3
    /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    # The libraries of the Debian package, which the tests install.
    dpkg-query -W python3-click python3-rich >/dev/null 2>&1 || echo python3-click python3-rich
}

# What starts at boot: units of the system, units of every user, and old init scripts.
enabled_services() {
    if command -v systemctl >/dev/null; then
        systemctl --root=/ list-unit-files --state=enabled --no-legend | awk '{ print "system", $1 }'
        systemctl --root=/ --global list-unit-files --state=enabled --no-legend |
            awk '{ print "global", $1 }'
    fi
    local script
    for script in /etc/rc2.d/S*; do
        [ ! -e "$script" ] || echo "init ${script##*/S??}"
    done
}

disable_service() {
    case $1 in
    system) systemctl --root=/ --quiet disable "$2" ;;
    global) systemctl --root=/ --quiet --global disable "$2" ;;
    init) update-rc.d "$2" disable ;;
    esac >/dev/null 2>&1 || true
}

# Installs packages while a policy-rc.d forbids that anything is started, and puts the machine's own
# policy back, also after ^C. A function in (…): the trap belongs to it alone.
install_packages() (
    policy=/usr/sbin/policy-rc.d
    before=$(mktemp)
    saved=$(mktemp -d)
    [ ! -e "$policy" ] || cp -a "$policy" "$saved/policy-rc.d"
    restore() {
        rm -f "$policy"
        [ ! -e "$saved/policy-rc.d" ] || cp -a "$saved/policy-rc.d" "$policy"
        rm -rf "$saved" "$before"
    }
    trap restore EXIT
    trap 'exit 130' INT TERM HUP
    enabled_services >"$before"

    rm -f "$policy"
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends "$@" >"$saved/apt.log" 2>&1 ||
        { cat "$saved/apt.log" >&2 && exit 1; }
    enabled_services | { grep -vxFf "$before" || true; } | while read -r kind name; do
        disable_service "$kind" "$name"
    done
)

prepare_packages() {
    local missing
    missing=$(missing_packages | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    [ "$(id -u)" -eq 0 ] ||
        fail "these Debian packages are missing; install them, or run this as root: $missing"
    command -v apt-get >/dev/null || fail "not a Debian or Ubuntu machine; install by hand: $missing"
    say "installing Debian packages (they stay; none of their services is started or enabled): $missing"
    # shellcheck disable=SC2086  # a list of words
    install_packages $missing
}

# .venv with the machine's own Python, the project and its tools; again only when pyproject.toml changed.
prepare_venv() {
    local stamp=.venv/pyproject.sha256
    if ! .venv/bin/python -c '' 2>/dev/null; then
        say "making .venv"
        /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
            fail "Python 3.10 or newer is needed, this is $(/usr/bin/python3 --version)"
        rm -rf .venv
        /usr/bin/python3 -m venv .venv
    fi
    if ! { echo "$PWD" && cat pyproject.toml; } | sha256sum | cmp -s - "$stamp"; then
        say "installing the project and its tools into .venv"
        .venv/bin/python -m pip --quiet --quiet --disable-pip-version-check install -e '.[test]'
        { echo "$PWD" && cat pyproject.toml; } | sha256sum >"$stamp"
    fi
}
