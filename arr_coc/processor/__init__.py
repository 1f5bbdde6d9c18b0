"""What a user of transformers touches: messages in, model inputs and answers out."""
