"""Every use case of scoring: see registry."""

from commands.handle import UseCase
from commands.leads import score as lead_score
from commands.leads import scoring
from commands.leads.score import ContributeScore
from commands.leads.scoring_input import PutScoringRules
from domain.lead_score import Contribution
from domain.lead_score import evolve as evolve_contribution
from domain.scoring import ScoringRules, evolve_rules

SET_SCORING_RULES: UseCase[PutScoringRules, ScoringRules] = UseCase(
    kind="scoring", evolve=evolve_rules, decide=scoring.set_rules, starts=True
)
CONTRIBUTE_SCORE: UseCase[ContributeScore, Contribution] = UseCase(
    kind="lead_score", evolve=evolve_contribution, decide=lead_score.contribute, starts=True, made=201
)
