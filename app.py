"""Opens the screens: `streamlit run app.py`, or `s2s app` where the package is installed."""

from matching.ui.screens import open_screens

open_screens()
