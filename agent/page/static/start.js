// The last script: it starts the page when all others have run.
chat.start(chatConstants);
