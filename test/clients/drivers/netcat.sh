#!/bin/bash
# netcat.sh host port user password what [words...]: FTP typed into nc, lines ended by LF alone. Data connections by nc.
# The dialogue goes to stderr, what was listed to stdout; ends with 1 at the first reply that is not the expected one.
set -u
host=$1 port=$2 user=$3 password=$4 what=$5
shift 5

coproc CONTROL { exec nc "$host" "$port"; }

fail() {
  echo "$1" >&2
  exit 1
}

# Reads up to the last line of a reply (three digits and a blank); its text is in $reply.
hear() {
  local line
  while IFS= read -r -t 60 -u "${CONTROL[0]}" line; do
    line=${line%$'\r'}
    echo "$line" >&2
    if [[ $line =~ ^[0-9]{3}\  ]]; then
      # shellcheck disable=SC2053 # the code is a pattern
      [[ ${line:0:3} == $1 ]] || fail "expected $1"
      reply=${line:4}
      return
    fi
  done
  fail "no $1"
}

say() {
  echo "> $1" >&2
  printf '%s\n' "$1" >&"${CONTROL[1]}"
  hear "$2"
}

passive() {
  say EPSV 229
  [[ $reply =~ \|\|\|([0-9]+)\| ]] || fail "no port"
  data=${BASH_REMATCH[1]}
}

send_file() { # command, file
  passive
  nc -N "$host" "$data" <"$2" >/dev/null &
  local sender=$!
  say "$1" '1*'
  hear 226
  wait "$sender" || fail "nc could not send"
}

receive() { # command; bytes to stdout
  passive
  nc -d "$host" "$data" &
  local receiver=$!
  say "$1" '1*'
  hear 226
  wait "$receiver" || fail "nc could not receive"
}

hear 220
say "USER $user" 331
say "PASS $password" 230
say 'TYPE I' 200
case $what in
  put) send_file "STOR $1" "$2" ;;
  append) send_file "APPE $1" "$2" ;;
  get) receive "RETR $1" >"$2" ;;
  resume-get) say "REST $3" 350; receive "RETR $1" >>"$2" ;;
  resume-put)
    rest=$(mktemp)
    tail -c "+$(($3 + 1))" "$2" >"$rest"
    say "REST $3" 350
    send_file "STOR $1" "$rest"
    rm "$rest"
    ;;
  list) say "CWD $1" 250; receive NLST ;;
  say) while [ $# -gt 0 ]; do say "$1" "$2"; shift 2; done ;;
  *) fail "do what? $what" ;;
esac
say QUIT 221
