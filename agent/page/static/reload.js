// Only in Gradio's reload mode (`gradio app.py`), in place of Gradio's own script. That one puts a
// changed page's start values on the open page and runs no load event: the chat would be emptied,
// and the text box stay locked. So the open page is loaded anew, which brings its chat back; not
// before an answer that is running has ended.
(() => {
    const reload = () => {
        const isAnswering = document.querySelector("#message .stop-button");
        isAnswering ? setTimeout(reload, 200) : location.reload();
    };
    new EventSource("gradio_api/dev/reload").addEventListener("reload", reload);
})();
