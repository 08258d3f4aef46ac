#!/bin/bash
# Builds dist/sshknock-server_VERSION-1_all.deb: the server's part alone, for Debian 12 and later.
#
#   contrib/deb.sh [FOLDER]
#
# FOLDER is where it goes, instead of dist. PYTHON is a Python with click and tomli, which runs this
# checkout to make the man page. DEBFULLNAME and DEBEMAIL are the maintainer's, as in Debian's tools.
set -euo pipefail
cd "$(dirname "$0")/.."
. contrib/prepare.sh # for fail

target=${1:-dist}
PYTHON=${PYTHON:-/usr/bin/python3}
"$PYTHON" -c 'import click, tomli' 2>/dev/null ||
    fail "needs click and tomli: apt install python3-click python3-tomli"
command -v dpkg-deb >/dev/null || fail "needs dpkg-deb"

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
version=$("$PYTHON" -c 'import sshknock; print(sshknock.__version__)')
revision=$version-1
# Dated as wheels are: the same source makes the same package.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1580601600}
maintainer="${DEBFULLNAME:-The sshknock developers} <${DEBEMAIL:-root@localhost}>"

# Client and server know nothing of each other, so the server is all but the client's folder.
install -d "$tree/usr/share/sshknock" "$tree/usr/share/doc/sshknock-server" "$tree/DEBIAN"
cp -R sshknock "$tree/usr/share/sshknock/"
rm -rf "$tree/usr/share/sshknock/sshknock/client"
find "$tree" -name __pycache__ -prune -exec rm -rf {} +
install -D -m 755 contrib/debian/sshknock-server "$tree/usr/sbin/sshknock-server"
install -D -m 755 contrib/debian/rtupdate "$tree/usr/share/python3/runtime.d/sshknock-server.rtupdate"

"$PYTHON" -m contrib.manual "$tree/share" >/dev/null
share=$tree/usr/share
install -D -m 644 -t "$share/man/man8" "$tree/share/man/man8/sshknock-server.8"
install -D -m 644 -t "$share/bash-completion/completions" \
    "$tree/share/bash-completion/completions/sshknock-server"
install -D -m 644 -t "$share/zsh/vendor-completions" \
    "$tree/share/zsh/site-functions/_sshknock-server"
install -D -m 644 -t "$share/fish/vendor_completions.d" \
    "$tree/share/fish/vendor_completions.d/sshknock-server.fish"
rm -rf "$tree/share"
install -d "$share/doc/sshknock-server/examples"
cp -R contrib/fail2ban "$share/doc/sshknock-server/examples/"
install -m 644 LICENSE "$share/doc/sshknock-server/copyright"
install -m 644 CHANGELOG.md "$share/doc/sshknock-server/changelog"
cat >"$share/doc/sshknock-server/changelog.Debian" <<END
sshknock-server ($revision) unstable; urgency=medium

  * What is new is in changelog.gz.

 -- $maintainer  $(date -R -u -d "@$SOURCE_DATE_EPOCH")
END
gzip -9n "$share/man/man8/sshknock-server.8" "$share/doc/sshknock-server"/changelog*

sed -e "s/@VERSION@/$revision/" -e "s/@MAINTAINER@/$maintainer/" contrib/debian/control \
    >"$tree/DEBIAN/control"
install -m 755 -t "$tree/DEBIAN" contrib/debian/postinst contrib/debian/prerm
(cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
chmod -R u=rwX,go=rX "$tree"

mkdir -p "$target"
dpkg-deb --root-owner-group -Zxz --build "$tree" "$target/sshknock-server_${revision}_all.deb"
