#!/usr/bin/env bash
# From nothing to a small vision-language model that reads receipts and looks closer where the question asks:
# 40 minutes on two cores. Read it from top to bottom; each stage is one command and writes into one folder.
#
#   make speedrun                                   receipts of one till, at most 256 cells
#   RECIPE=nano RUN=out/nano make speedrun          the shipped model, by its own recipe: hours
#
# Killed? Start it again: each stage goes on where it was. A GPU is used where there is one.
set -euo pipefail

RECIPE=${RECIPE:-receipts}      # which pictures, and how long: arr_coc/nano/recipes.py
RUN=${RUN:-out/speedrun}        # everything that is made lies there
SCALE=${SCALE:-1}               # of the number of training batches; 0.01 tries the script out
BIN=${BIN:-.venv/bin}
CORES=$(getconf _NPROCESSORS_ONLN)
PROCESSES=${PROCESSES:-1}       # that train one host together; on two cores one with two threads is as fast

case $RECIPE in
    receipts) KIND=till_receipt SIDE=512 TASK=speedrun CALIBRATION=speedrun/calibration ;;
    nano) KIND= SIDE=2048 TASK=development CALIBRATION=calibration ;;
    *) echo "speedrun: RECIPE must be receipts or nano, got $RECIPE" >&2; exit 2 ;;
esac
count() { awk -v most="$1" -v scale="$SCALE" 'BEGIN { n = most * scale; print (n < 16 ? 16 : (n > most ? most : int(n))) }'; }

resumed() { if compgen -G "$1/checkpoints/*" > /dev/null; then echo --resume; fi; }

stage() { # NAME COMMAND...: runs it, unless it has ended before, and notes its seconds
    local name=$1 start=$SECONDS
    shift
    if grep -qs "\"stage\":\"$name\"" "$RUN/stages.jsonl"; then return; fi
    echo "== $name: arr-coc ${*:2}"
    if [ "$1" = together ] && [ "$PROCESSES" -gt 1 ]; then
        "$BIN/torchrun" --nproc-per-node "$PROCESSES" --no-python -- "$BIN/arr-coc" "${@:2}"
    else
        "$BIN/arr-coc" "${@:2}"
    fi
    echo "{\"stage\":\"$name\",\"seconds\":$(( SECONDS - start ))}" >> "$RUN/stages.jsonl"
}

# 1. A tokenizer: the words of questions become single tokens, names and numbers stay characters.
stage tok alone nano tok --out "$RUN" --recipe "$RECIPE" --scale "$SCALE"

# 2. The eye learns to read: every patch is told which characters it holds (dense pretraining).
OMP_NUM_THREADS=1 stage pre together nano pre --out "$RUN"

# 3. The language part learns to answer from what the eye says. The finished host is an ordinary Qwen3-VL checkpoint.
stage sft together nano sft --out "$RUN"

# 4. Where to look: the scorer learns from the host's features which cells hold the evidence. The host is frozen.
stage scout alone train scout --out "$RUN/scout" --model "$RUN/host" --data "generator${KIND:+/$KIND}" --max-side "$SIDE" \
    --budgets 64,100,160 --steps "$(count 100)" --rate-scale 4 --validation 40 $(resumed "$RUN/scout")

# 5. When to stop looking: how sure is sure, on pictures that nothing else sees.
stage calibrate alone eval calibrate --out "$RUN/calibration" --model "$RUN/host" --relevance "$RUN/scout/relevance" \
    --task "$CALIBRATION" --limit 160 --ladder 64,100,160,256
rm -rf "$RUN/host/relevance"
cp -r "$RUN/calibration/relevance" "$RUN/host/relevance"

# 6. Is it worth anything? Held-out pictures: none of the picture (what questions give away), all of it, the same tokens
#    by a plain resize, by ARR-COC, and by the oracle, which splits where the answer stands.
stage eval alone eval --out "$RUN/eval" --model "$RUN/host" --tasks "$TASK" --limit "$(count 400)" \
    --policies blind,full,resize,arr-coc-trained,oracle --budgets 64,100 --workers "$CORES" --timed-every 0

# 7. A few pictures to talk about, which nothing was trained on.
stage pictures alone data generate --out "$RUN/pictures" --num 8 ${KIND:+--kind "$KIND"} --max-side "$SIDE"

"$BIN/arr-coc" nano summary "$RUN" --commit "$(git rev-parse --short HEAD 2> /dev/null || echo unknown)" | tee "$RUN/summary.json"
echo "Talk to it: $BIN/arr-coc chat $(ls "$RUN"/pictures/images/* 2> /dev/null | head -n 1) --model $RUN/host"
echo "In the browser: $BIN/arr-coc demo --model $RUN/host"
