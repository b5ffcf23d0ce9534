"""Which of Gradio's routes are open."""

# Gradio's routes that are open, by the feature that needs them; all its others answer 404. Among
# those: a deep link writes a visitor's whole page to disk for whoever knows the session's hash;
# `file=` fetches for anybody, and names folders of this machine; uploads fill the disk.
ROUTES = {
    "page": ("/", "/config", "/theme.css", "/robots.txt"),
    "pictures": ("/assets/{path:path}", "/static/{path:path}"),
    "events": (
        "/gradio_api/queue/join",
        "/gradio_api/queue/data",
        "/gradio_api/run/{name}",
        "/gradio_api/cancel",
        "/gradio_api/reset",
        "/gradio_api/heartbeat/{session}",
        "/gradio_api/app_id",  # By which a page knows whether the app was started again.
        "/gradio_api/startup-events",  # `launch` itself asks for it.
    ),
    # What has a {name} is open by the names of the APIs alone; "predict" is the page's own.
    "clients": (
        "/gradio_api/info",
        "/gradio_api/api/{name}",
        "/gradio_api/call/{name}",
        "/gradio_api/call/{name}/{event}",
        "/gradio_api/call/v2/{name}",
        "/gradio_api/call/v2/{name}/{event}",
    ),
    # By Gradio's own form, and with Hugging Face.
    "sign-in": ("/login", "/logout"),
    "huggingface": ("/login/huggingface", "/login/callback", "/logout"),
    "reload": ("/gradio_api/dev/reload",),
}
