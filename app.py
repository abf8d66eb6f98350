"""The browser app for `streamlit run app.py`; `s2s app` serves the same screens with the same protection."""

from starlette.middleware import Middleware
from streamlit.starlette import App

from matching.ui.app import screens
from matching.ui.browser import OwnPagesOnly

app = App(screens.__file__, middleware=[Middleware(OwnPagesOnly)])
