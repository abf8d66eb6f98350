"""The server of the browser app, and the script that it runs for every screen.

The script has a folder of its own: Streamlit takes a folder `pages` next to it for screens that do without the script.
"""
