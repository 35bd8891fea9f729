print("masterpool")
