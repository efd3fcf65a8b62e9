"""The front door of the lab: who is asking stands before Streamlit hears of a request, or it never does.

What is promised. Every request and the web socket pass one gate (gate.py), an ASGI middleware around all that Streamlit
serves. Its keeper lets in who has an identity, and answers all others with a page in words:

alone (keepers/alone.py, the default): loopback, and a start token of 256 bits, made anew at each start. The link that
    holds it is printed and kept in a file of mode 0600; it is exchanged for a cookie (HttpOnly, SameSite=Strict) that
    the lab forgets when it ends. Other accounts of the machine stay out.
proxy (keepers/proxy.py): a web server in front names who is asking in a header, and proves itself with a secret in
    another one. Without both, nothing is served; neither header reaches Streamlit.
oidc (keepers/oidc.py): people log in at a provider, with Streamlit's own login. Only its three addresses are open to
    strangers; the cookie that it signs is checked here, against an allow-list, before a page or its socket is reached.

Who is asking reaches the pages in a header that the gate alone writes and that it takes from whoever sends it
(person.py). A browser's socket and whatever changes something come from the lab's own pages, or are refused (Origin).

What is not. The account that runs the lab, and the machine's administrator, can read and do everything. Cookies know no
ports: a page of another server on the same host name is sent the cookie of a lab "alone", so one does not open such
pages in the same browser. Without TLS in front, who can listen to the network can read all that passes, tokens too. A
socket that stands is not asked again: a page that is open when its login is too old goes on until it is loaded again.
The allow-list is read once: who is taken from it stays until the lab starts anew. A login that was copied holds until
it is too old. Inside, everybody sees everything.
"""
