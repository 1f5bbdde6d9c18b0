#!/usr/bin/env bash
# The idea without a thumb on the scale: twins that see the same pictures in the same steps, one of which never learns
# from evidence boxes where answers stand. Nothing else is trained: both choose where to look by the attention that
# they happen to have. An hour on two cores.
#
#   runs/twins.sh                                receipts of one till, as in runs/speedrun.sh
#   RECIPE=nano RUN=out/twins-nano runs/twins.sh     the shipped host's pictures: hours
#
# Killed? Start it again: each stage goes on where it was.
set -euo pipefail

RECIPE=${RECIPE:-receipts}      # arr_coc/nano/recipes.py
RUN=${RUN:-out/twins}           # everything that is made lies there
SCALE=${SCALE:-1}               # of the training batches and questions; 0.01 tries the script out
BIN=${BIN:-.venv/bin}

case $RECIPE in
    receipts) TASK=speedrun ;;
    nano) TASK=development ;;
    *) echo "twins: RECIPE must be receipts or nano, got $RECIPE" >&2; exit 2 ;;
esac
count() { awk -v most="$1" -v scale="$SCALE" 'BEGIN { n = most * scale; print (n < 16 ? 16 : (n > most ? most : int(n))) }'; }

stage() { # NAME COMMAND...: runs it, unless it has ended before
    if [ -e "$RUN/$1.done" ]; then return; fi
    echo "== $1: arr-coc ${*:2}"
    "$BIN/arr-coc" "${@:2}"
    touch "$RUN/$1.done"
}

# 1. One eye for both: tokenizer and dense reading.
stage tok nano tok --out "$RUN/common" --recipe "$RECIPE" --scale "$SCALE"
OMP_NUM_THREADS=1 stage pre nano pre --out "$RUN/common"

# 2. From there on they part: one learns from boxes where answers and their characters stand, the other only to answer.
for twin in with-boxes without-boxes; do
    if [ ! -d "$RUN/$twin" ]; then
        cp -r "$RUN/common" "$RUN/$twin.draft" && mv "$RUN/$twin.draft" "$RUN/$twin"
    fi
done
stage with-boxes nano sft --out "$RUN/with-boxes" --boxes
stage without-boxes nano sft --out "$RUN/without-boxes" --no-boxes

# 3. Held-out pictures. The oracle splits where the answer stands: what could be found at best.
for twin in with-boxes without-boxes; do
    stage "eval-$twin" eval --out "$RUN/eval-$twin" --model "$RUN/$twin/host" --tasks "$TASK" --limit "$(count 400)" \
        --policies blind,full,resize,glimpse-crop,mmtok,arr-coc,oracle --budgets 64,100,160
done
"$BIN/arr-coc" eval compare "$RUN/eval-with-boxes" "$RUN/eval-without-boxes"
