#!/bin/bash
# A run as a Slurm job array: one task a split, then one that puts them together.
#
#   TABLE=churn.csv TARGET=churned bash docs/slurm.sh          10 splits and the model on all rows
#   TABLE=… TARGET=… SPLITS=20 OPTIONS="--metric mcc" bash docs/slurm.sh
#
# Every node needs Node 20, makeit (npm install -g makeit-ai), the table and the folder OUT on a shared file system. A task
# that is preempted or killed goes on from its last checkpoint when Slurm queues it again; so does one that is submitted
# again: splits that are done are left as they are.
#SBATCH --job-name=makeit
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:TERM@60
set -euo pipefail

: "${TABLE:?the table to learn from}" "${TARGET:?the column to predict}"
SPLITS=${SPLITS:-10}
OUT=${OUT:-makeit-out}
read -r -a options <<<"${OPTIONS:-}"
export TABLE TARGET SPLITS OUT OPTIONS="${OPTIONS:-}"

if [ -z "${SLURM_JOB_ID:-}" ]; then
  array=$(sbatch --parsable --array="0-$SPLITS" "$0") # 0 is the model on all rows
  sbatch --dependency="afterok:${array%%;*}" "$0"
elif [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
  # srun hands the signal on: the split saves itself and ends, to go on when it is queued again.
  exec srun --ntasks=1 makeit train-split "$TABLE" --target "$TARGET" "${options[@]}" \
    --split "$SLURM_ARRAY_TASK_ID" --of "$SPLITS" --out "$OUT/parts"
else
  exec makeit aggregate "$OUT/parts" --out "$OUT/results" --force
fi
