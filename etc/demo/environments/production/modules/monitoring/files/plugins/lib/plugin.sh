# For every check: reads the limits and turns a value into a state.
warn= crit=
while getopts w:c:p:s:H:SC: option; do
  case $option in
    w) warn=$OPTARG ;;
    c) crit=$OPTARG ;;
    *) ;;
  esac
done
unknown() { echo "UNKNOWN: $1"; exit 3; }
judge() {
  number=$(printf '%s' "$1" | tr -cd '0-9.\n' | head -1)
  [ -n "$number" ] || unknown "no number in the answer"
  awk -v n="$number" -v w="${warn%%[,%]*}" -v c="${crit%%[,%]*}" 'BEGIN { exit n >= c ? 2 : n >= w ? 1 : 0 }'
}
