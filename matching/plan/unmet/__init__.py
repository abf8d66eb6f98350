"""Why a need is unmet: which reason holds, and the one place for its words."""
