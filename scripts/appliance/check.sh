# Sourced by every tier: what is said, what is waited for, what is cleaned up.
# shellcheck shell=bash
set -uo pipefail
root=${CLOUDROID_ROOT:?call scripts/test-appliance}
work=$(mktemp -d /var/tmp/cloudroid-appliance.XXXXXX)
failures=0
cleanups=()

clean_up() {
  local i
  for ((i = ${#cleanups[@]} - 1; i >= 0; i--)); do eval "${cleanups[$i]}"; done
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# Commands, the last first, whatever ends the tier.
on_exit() { cleanups+=("$1"); }

ok() { echo "ok - $1"; }
not_ok() {
  failures=$((failures + 1))
  echo "not ok - $1"
  [ -z "${2:-}" ] || printf '%s\n' "$2" | tail -n 25 | sed 's/^/    /'
}
skip() { echo "skipped - $1"; }
finish() { exit $((failures > 0)); }

# check TEXT COMMAND...: what the command says is shown when it fails.
check() {
  local text=$1 said
  shift
  if said=$("$@" 2>&1); then ok "$text"; else not_ok "$text" "$said"; fi
}

# wait_for SECONDS COMMAND...: tries until it works.
wait_for() {
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$until" ]; then
      "$@"
      return
    fi
    sleep 0.2
  done
}

# need TEXT PROGRAM...: ends the tier, aloud, when one is missing.
need() {
  local what=$1 program
  shift
  for program in "$@"; do
    if ! command -v "$program" >/dev/null; then
      skip "$what: $program is missing here"
      exit 0
    fi
  done
  if [ "$(id -u)" != 0 ]; then
    skip "$what: not root"
    exit 0
  fi
}

# The mirror this machine uses.
mirror() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep '/debian/$' | sort -u | head -n 1
}

# One date for all builds of a test, whenever the last commit was.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1767225600}
cache=${CLOUDROID_CACHE:-/var/cache/cloudroid-test}

# deb_of ARCH [VERSION]: builds the package once for these sources, prints its path.
deb_of() {
  local arch=$1 version key file
  version=${2:-$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$root/package.json")}
  key=$(cd "$root" && find src systemd scripts/deb scripts/build-deb package-lock.json package.json -type f -print0 | LC_ALL=C sort -z |
    xargs -0 sha256sum | sha256sum | cut -c1-16)
  mkdir -p "$cache/$key"
  file=$(find "$cache/$key" -name "cloudroid_${version}_$arch.deb" | head -n 1)
  if [ -z "$file" ]; then
    find "$cache" -mindepth 1 -maxdepth 1 -type d ! -name "$key" -mmin +600 -exec rm -rf {} +
    file=$("$root/scripts/build-deb" --fast --arch "$arch" --output "$cache/$key" --version "$version" 2>"$work/build-deb.log" | tail -n 1)
  fi
  [ -n "$file" ] || { cat "$work/build-deb.log" >&2 && return 1; }
  echo "$file"
}

# debian_tar INCLUDE [SUITE]: a small Debian root for this machine's architecture, kept a week; prints the archive's path.
debian_tar() {
  local include=$1 suite=${2:-trixie} file
  file=$cache/$suite-$(dpkg --print-architecture)-$(sha256sum <<<"$include" | cut -c1-8).tar
  mkdir -p "$cache"
  find "$cache" -maxdepth 1 -name '*.tar' -mtime +7 -delete
  if [ ! -e "$file" ]; then
    mmdebstrap --quiet --format=tar --variant=minbase ${include:+--include="$include"} "$suite" "$file.new" "$(mirror)" >"$work/mmdebstrap.log" 2>&1 ||
      { cat "$work/mmdebstrap.log" >&2 && rm -f "$file.new" && return 1; }
    mv "$file.new" "$file"
  fi
  echo "$file"
}
