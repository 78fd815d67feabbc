"""Reference numbers for the loss of reward models, by torch and transformers, in double precision.

    python test/peers/make_reward_pairs.py > test/fixtures/reward-models/pair-loss.json

`scores`: the loss alone, from given scores. `network`: the same loss through the checkpoints of
test/fixtures/reward-models, with the norm of the gradient of every weight and one AdamW step.
"""
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import AutoModelForSequenceClassification

ROOT = Path(__file__).resolve().parents[1] / "fixtures" / "reward-models"
PAIRS = [(0, 1), (2, 1), (2, 0)]
MARGINS = [0.0, 0.5, -0.25]
CENTERING = 0.03


def loss_of(chosen, rejected, margins, centering):
    loss = -F.logsigmoid(chosen - rejected - margins).mean()
    return loss + centering * ((chosen + rejected) ** 2).mean()


def from_scores(name, chosen, rejected, margins, centering):
    chosen = torch.tensor(chosen, dtype=torch.float64, requires_grad=True)
    rejected = torch.tensor(rejected, dtype=torch.float64, requires_grad=True)
    loss = loss_of(chosen, rejected, torch.tensor(margins, dtype=torch.float64), centering)
    loss.backward()
    return {
        "name": name,
        "chosen": chosen.tolist(),
        "rejected": rejected.tolist(),
        "margins": margins,
        "centering": centering,
        "loss": loss.item(),
        "chosenGradients": chosen.grad.tolist(),
        "rejectedGradients": rejected.grad.tolist(),
    }


def through_network(name):
    folder = ROOT / name
    reference = json.loads((folder / "reference.json").read_text())
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float64).eval()

    def step_loss():
        score = [model(torch.tensor([ids])).logits[0, 0] for ids in reference["sequences"]]
        chosen = torch.stack([score[c] for c, _ in PAIRS])
        rejected = torch.stack([score[r] for _, r in PAIRS])
        return loss_of(chosen, rejected, torch.tensor(MARGINS, dtype=torch.float64), CENTERING)

    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0)
    loss = step_loss()
    loss.backward()
    norms = {key: value.grad.norm().item() for key, value in model.named_parameters() if value.grad is not None}
    optimizer.step()
    return {"model": name, "loss": loss.item(), "gradientNorms": norms, "lossAfter": step_loss().item()}


names = ["gpt2-reward", "llama-gqa-tied-reward", "qwen2-reward", "qwen3-reward"]
result = {
    "pairs": PAIRS,
    "margins": MARGINS,
    "centering": CENTERING,
    "adamw": {"learningRate": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-6},
    "scores": [
        from_scores("plain", [1.5, -0.25, 0.0], [0.5, 0.75, 0.0], [0.0, 0.0, 0.0], 0.0),
        from_scores("margins", [1.5, -0.25, 3.0], [0.5, 0.75, -2.0], [0.3, -0.5, 1.0], 0.0),
        from_scores("centering", [1.5, -0.25], [0.5, 0.75], [0.0, 0.2], 0.01),
        from_scores("far apart", [60.0, -60.0], [-60.0, 60.0], [0.0, 0.0], 0.0),
    ],
    "network": [through_network(name) for name in names],
}
json.dump(result, sys.stdout, indent=1)
sys.stdout.write("\n")
