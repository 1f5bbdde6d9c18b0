#!/usr/bin/env bash
# Every table of docs/results again, with the host that is shipped: hours on two cores. Read it from top to bottom;
# each table is one command, which a reader can run alone.
#
#   make results                                         all of them, into docs/results
#   ONLY="main words" make results                       some of them
#   MODEL=out/nano/host OUT=out/tables make results      another host's, elsewhere
#
# Killed? Start it again: each table goes on where it was. Answers stay in $RUN; only reports are copied to $OUT.
set -euo pipefail

MODEL=${MODEL:-nano}
RUN=${RUN:-out/results}         # answers, one JSON line each
OUT=${OUT:-docs/results}        # reports
SCALE=${SCALE:-1}               # of the number of questions; 0.02 tries the script out
ONLY=${ONLY:-}                  # names of tables; empty: all
BIN=${BIN:-.venv/bin}

count() { # MOST [LEAST]: a scaled number of questions
    awk -v most="$1" -v least="${2:-16}" -v scale="$SCALE" 'BEGIN { n = int(most * scale); print (n < least ? least : n) }'
}

wanted() { [ -z "$ONLY" ] || [[ " $ONLY " == *" $1 "* ]]; }

table() { # NAME COMMAND...: makes a table unless it is made, and copies its report
    local name=$1
    shift
    if ! wanted "$name"; then return; fi
    if [ ! -e "$RUN/$name/made" ]; then
        echo "== $name: arr-coc $*"
        "$BIN/arr-coc" "$@"
        mkdir -p "$RUN/$name" && touch "$RUN/$name/made"
    fi
    mkdir -p "$OUT/$name"
    find "$RUN/$name" -maxdepth 1 \( -name 'report.*' -o -name run.json -o -name '*.png' \) -exec cp {} "$OUT/$name/" \;
    if [ -d "$RUN/$name/figures" ]; then rm -rf "$OUT/$name/figures" && cp -r "$RUN/$name/figures" "$OUT/$name/"; fi
}

page() { # NAME COMMAND...: makes one page of Markdown, the command's --out
    if wanted "${1%.md}"; then
        echo "== ${1%.md}: arr-coc ${*:2}"
        mkdir -p "$(dirname "$OUT/$1")"
        "$BIN/arr-coc" "${@:2}" --out "$OUT/$1"
    fi
}

answers() { table "$1" eval --model "$MODEL" --out "$RUN/$1" "${@:2}"; }

ablation() { table "$1" eval ablate --model "$MODEL" --out "$RUN/$1" "${@:2}"; }

# 1. The report that counts, on the frozen block. Nothing was ever chosen by it.
table main eval final --model "$MODEL" --out "$RUN/main" --limit "$(count 1000)" \
    --policies full,resize,blind,glimpse-crop,attention-pruning,mmtok,oracle,arr-coc,arr-coc-trained,arr-coc-trained-shuffled

# 2. Look until sure: calibrated on pictures of its own, then held against fixed budgets and growing sizes.
table calibration eval calibrate --model "$MODEL" --out "$RUN/calibration" --opponents --limit "$(count 240 160)" \
    --ladder 64,160,256,400
table until-sure eval sure --model "$MODEL" --calibration "$RUN/calibration" --out "$RUN/until-sure" --limit "$(count 1000)" --parts

# 3. Typefaces, words and layouts that training never had, beside the same pictures as it had them.
answers typefaces --tasks robust/as-trained,robust/typefaces --limit "$(count 240)" --budgets 100,160 \
    --policies full,resize,arr-coc,arr-coc-trained
answers words --tasks robust/as-trained,robust/words --limit "$(count 240)" --budgets 100,160 \
    --policies full,resize,arr-coc-trained
answers layouts --tasks robust/pages-as-trained,robust/layouts --limit "$(count 240)" --budgets 100,160 \
    --policies full,resize,arr-coc-trained

# 4. Large pictures: as the host takes them, at most 1,024 cells of 32 pixels, and at their own size, for which a copy of
#    the host is told of a longer context; nothing else differs.
LARGE="--limit $(count 120) --budgets 100,160,400 --policies full,resize,arr-coc,arr-coc-trained,oracle"
answers sizes/2048-at-1024 --tasks development/2048 $LARGE
answers sizes/4096-at-1024 --tasks development/4096 $LARGE
if wanted sizes/2048; then
    case $MODEL in nano) folder=arr_coc/nano/weights ;; *) folder=$MODEL ;; esac
    mkdir -p "$RUN" && rm -rf "$RUN/longer" && cp -r "$folder" "$RUN/longer"
    sed 's/"max_position_embeddings": [0-9]*/"max_position_embeddings": 20480/' "$folder/config.json" >"$RUN/longer/config.json"
    table sizes/2048 eval --model "$RUN/longer" --out "$RUN/sizes/2048" --tasks development/2048 --max-pixels 4194304 $LARGE
fi

# 5. What each part is worth, and the suites that decide between the tensions.
ablation ablations --tasks development --budgets 100 --limit "$(count 280)"
ablation ablations/tensions --tasks deciding/hidden,deciding/odd,deciding/textured --parts tensions --budgets 100 \
    --limit "$(count 240)"
ablation ablations/trained --tasks development --parts trained --budgets 100 --limit "$(count 240)"

# 6. Other people's ideas, in our hands; same picture, two questions.
answers fastv --tasks calibration --budgets 100 --limit "$(count 240)" \
    --policies 'full,fastv after 1,fastv after 2,fastv after 3,fastv after 4,fastv after 5'
answers peers --tasks development --budgets 64,100,160,256,400,auto --limit "$(count 240)" \
    --policies full,resize,two-mode,random,saliency,uniform,visionzip,divprune,scope,cdpruner,mmtok,fastv,pixelprune,arr-coc,arr-coc-shuffled,arr-coc-trained,arr-coc-trained-shuffled,oracle
answers time --tasks development --budgets 64,100,160,256,400 --limit "$(count 240)" --policies full,resize,arr-coc,arr-coc-trained
page neighbours.md eval neighbours --model "$MODEL" --tasks same-picture --budgets 100,160 --limit "$(count 200)" \
    --policies resize,saliency,arr-coc,arr-coc-trained,oracle

# 7. What it costs, on a machine to itself: the host, and geometries of large hosts with random weights.
page cost/nano.md bench --model "$MODEL" --sizes 1024x1024,3840x2160 --budget 160 --rounds 5 --answers 8
page cost/2b.md bench --model 2b --sizes 1024x1024 --budget 160 --rounds 3 --answers 8
page cost/4b.md bench --model 4b --sizes 1024x1024 --budget 160 --rounds 2
page cost/8b.md bench --model 8b --sizes 1024x1024 --budget 160 --rounds 1
for size in 2b 4b 8b; do
    page "cost/$size-3840x2160.md" bench --model "$size" --sizes 3840x2160 --budget 160 --rounds 1 --estimate-full
done

# 8. What a reviewer would ask of all of them together.
if [ -z "$ONLY" ]; then "$BIN/arr-coc" eval audit "$OUT" --model "$MODEL"; fi
