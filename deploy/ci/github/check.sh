#!/usr/bin/env bash
# Runs servetwin check and leaves its reports in servetwin/. SERVETWIN: how to call it, if not by npx.
set -euo pipefail
read -ra manifests <<< "$MANIFESTS"
arguments=()
for path in "${manifests[@]}"; do arguments+=(-f "$path"); done
read -ra program <<< "${SERVETWIN:-npx --yes servetwin@$VERSION}"
mkdir -p servetwin
code=0
"${program[@]}" check "${arguments[@]}" --base "$BASE" --budget "$BUDGET" --markdown servetwin/report.md \
  --junit servetwin/junit.xml --sarif servetwin/servetwin.sarif --json servetwin/report.json \
  > servetwin/summary.txt 2> servetwin/messages.txt || code=$?
cat servetwin/messages.txt >&2
cat servetwin/summary.txt
# What can't be simulated is news for the pull request, too.
if [ ! -s servetwin/report.md ]; then
  { echo "# servetwin could not say"; echo; echo '```'; cat servetwin/messages.txt; echo '```'; } > servetwin/report.md
fi
cat servetwin/report.md >> "$GITHUB_STEP_SUMMARY"
echo "exit-code=$code" >> "$GITHUB_OUTPUT"
